-- A job: run for each row, several at a time. This one puts the row's team before the name that the token has now, once.
-- What it returns is in the row's result.
--   moonkey --emulator batch scripts/examples/teams.csv --job scripts/examples/job.lua -o jsonl
return function(row, ctx)
  if not row.team then
    return nil, ("row %d has no team"):format(ctx.row)
  end
  local tok, err = token.get(row.id)
  if not tok then
    return nil, err
  end
  local prefix = row.team .. " - "
  if tok.name:sub(1, #prefix) == prefix then
    return { changed = false, name = tok.name }
  end
  tok, err = token.update(row.id, { name = prefix .. tok.name })
  if not tok then
    return nil, err
  end
  return { changed = true, name = tok.name }
end
