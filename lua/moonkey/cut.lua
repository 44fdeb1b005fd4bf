-- A text of at most so many bytes and no part of a character, with "…" where something is left out. Secrets are masked before:
-- of one that is cut in two, neither half is known.
return function(text, most)
  if #text <= most then return text end
  return text:sub(1, utf8.offset(text, 0, most + 1) - 1) .. "…"
end
