"""How dates are written where a page gives no format of its own: Django looks here by language."""
