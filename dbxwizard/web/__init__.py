"""The terminal program in a browser: a small HTTP server, and a process of the program for each tab."""
