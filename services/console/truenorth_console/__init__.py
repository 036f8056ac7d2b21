"""The pages a CSM works in: my book, an account, the inbox."""
