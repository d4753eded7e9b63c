"""Benches of the phone: its own sync code against real servers over a network that fails."""
