"""What people's decisions teach: acceptance, quiet kinds, trials, and what came of it afterwards."""
