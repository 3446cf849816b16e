"""How good a stylised picture is, in numbers that no network was asked for."""
