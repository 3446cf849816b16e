"""Measures of stylised pictures, and the contact sheets to look at beside them."""
