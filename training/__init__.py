"""Trains, quantizes and exports the shipped models, and writes the goldens that the engine is held to."""
