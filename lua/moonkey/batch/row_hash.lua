-- By what a row is known again: the beginning of the SHA-256 of its JSON. So the same row has the same hash, whether it stands
-- in CSV or in JSONL, and in which order its fields are.
local digest = require "moonkey.digest"

-- 16 bytes; nil for what has no form in JSON, such as a row with a function in it that a script has made.
return function(row)
  local ok, hash = pcall(digest.value, row)
  return ok and hash or nil
end
