"""One HTTP request of a workflow: what is asked, how it is sent, what becomes of the answer."""
