"""Taking a person's data out of a tenant: out of records, history, suggestions and whatever names them."""
