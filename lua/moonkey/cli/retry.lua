-- moonkey retry: run the failed rows of a run again.
local again = require "moonkey.cli.again"

return {
  summary = "run the rows of a run that failed again",
  description = [[
Works on the rows of RUN that failed, and only on them, with the job and the settings that it was
begun with; flags given here come first. Their new results take the place of the old ones.

Rows that are `unknown` are not repeated: look at them first. A job is run as a whole, also one
that failed after a POST of it had gone well: let it look first whether that was done. To correct rows before they are tried
again, take them from `moonkey runs results RUN --failed -o csv`, and run that file.

Exit: as batch, for the run as a whole.]],

  configure = again.configure,
  run = again.retry,
}
