-- moonkey resume: go on with a run that was ended before its end.
local again = require "moonkey.cli.again"

return {
  summary = "go on with a run that was interrupted, killed or stopped",
  description = [[
Works on the rows of RUN that have no result yet, with the job and the settings that it was begun
with; flags given here come first. What was in flight when it ended is sent again, unless it must
not be repeated (a POST): such a row becomes `unknown`. Rows that failed stay failed: see retry.

The input and the job have to be what they were. With --accept-changes they need not be: a new run
is begun, in which rows with the same id and contents as one that RUN has done count as done. Of a
plan nothing may change.

Exit: as batch, for the run as a whole.]],

  configure = function(cmd)
    again.configure(cmd)
    cmd:flag("--accept-changes", "The input or the job may have changed: go by the rows' ids and contents.")
    cmd:option("--journal", "With --accept-changes: keep the new run's journal in this new file."):argname("FILE")
  end,

  run = again.resume,
}
