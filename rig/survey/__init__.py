"""Lesion surveys: the same experiment over and over, each time with other units lesioned."""
