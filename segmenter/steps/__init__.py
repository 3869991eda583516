"""The steps of the analysis: pure, from frame to frame; none knows another. `pipeline` runs them."""
