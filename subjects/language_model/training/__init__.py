"""How the model that comes with Headstage was made; nothing here is needed to run it."""
