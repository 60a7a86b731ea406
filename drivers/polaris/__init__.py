"""NDI Polaris trackers (Vicra, Spectra, Vega) by their Combined API."""
