"""The experiments behind the plots of the documentation, and the drawing of the plots."""
