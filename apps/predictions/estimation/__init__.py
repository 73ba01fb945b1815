"""From a table with known outcomes to a calibrated model and an honest account of it.

Numpy and scikit-learn are imported here, so that nothing of this package may be imported by the web process.
"""
