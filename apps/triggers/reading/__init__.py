"""What is said in mails, minutes and notes: promised days, the wish to buy or to leave, and mere thanks."""
