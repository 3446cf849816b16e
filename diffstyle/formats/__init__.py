"""Every file that diffstyle reads or writes."""
