-- The keys of a table as a sorted list: for what has to come out the same each time. They are all strings, or all numbers.
return function(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end
