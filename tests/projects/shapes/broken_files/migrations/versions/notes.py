"""somebody's helpers, in the folder of the revisions"""

LAYERS = 3
