"""Report and mail templates; a package only so that they are found however segmenter is installed."""
