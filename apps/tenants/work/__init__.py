"""What a tenant's workers do in the background: asked for, taken, told step by step, stopped, ended."""
