# The check behind scripts/layers. Reads the table, then Package.swift, then the sources, in this order.
# Package.swift is read as text, as swift-format lays it out: a target begins with a line that holds `.target(`,
# `.executableTarget(`, `.systemLibrary(` or `.testTarget(`, and dependencies end at the first line or word with `]`.

function wrong(where, text) {
  print where ": " text
  failed = 1
}

function finish_target(name, module) { # compares the dependencies that were read with the table
  if (target == "") return
  if (!(target in ring)) wrong(target_line, "the target " target " has no line in scripts/layers.table")
  else {
    packaged[target] = 1
    for (module in depends)
      if (!((target, module) in allowed))
        wrong(target_line, target " depends on " module ", which its line in scripts/layers.table does not name")
    for (name in ring)
      if ((target, name) in allowed && !(name in depends))
        wrong(target_line, target " does not depend on " name ", which its line in scripts/layers.table names")
    for (module in product)
      if ((target, module) in allowed && !(module in depends))
        wrong(target_line, target " does not depend on " module ", which its line in scripts/layers.table names")
  }
  target = ""
}

function words_from(first, i, text) {
  text = ""
  for (i = first; i <= NF; i++) text = text (text == "" ? "" : " ") $i
  return text
}

FILENAME == "scripts/layers.table" {
  if ($1 == "ring") reason[$2] = words_from(3)
  else if ($1 == "target") {
    ring[$2] = $3
    for (i = 4; i <= NF; i++) {
      allowed[$2, $i] = 1
      mentioned[$i] = 1
    }
  } else if ($1 == "everywhere") for (i = 2; i <= NF; i++) everywhere[$i] = 1
  else if ($1 == "never") never[$2] = words_from(3)
  else if ($1 != "" && $1 !~ /^#/) wrong(FILENAME ":" FNR, "a line begins with ring, target, everywhere or never")
  next
}

FILENAME == "Package.swift" {
  if (FNR == 1) for (module in mentioned) if (!(module in ring)) product[module] = 1
  line = $0
  sub(/^[ \t]*\/\/.*/, "", line)
  if (match(line, /\.(target|executableTarget|systemLibrary|testTarget|macro|plugin)\(/)) {
    finish_target()
    split("", depends)
    in_target = line !~ /\.testTarget\(/
    inside = 0
    target_line = FILENAME ":" FNR
  }
  if (!in_target) next
  if (target == "" && match(line, /name: "[^"]*"/)) {
    target = substr(line, RSTART + 7, RLENGTH - 8)
    line = substr(line, RSTART + RLENGTH)
  }
  if (match(line, /dependencies: \[/)) {
    inside = 1
    line = substr(line, RSTART + RLENGTH)
  }
  if (!inside) next
  if (end = index(line, "]")) {
    line = substr(line, 1, end - 1)
    inside = 0
  }
  gsub(/package: "[^"]*"/, "", line)
  while (match(line, /"[^"]*"/)) {
    depends[substr(line, RSTART + 1, RLENGTH - 2)] = 1
    line = substr(line, RSTART + RLENGTH)
  }
  next
}

FNR == 1 {
  if (!package_read) {
    finish_target()
    for (name in ring)
      if (!(name in packaged)) wrong("scripts/layers.table", "Package.swift has no target " name)
    package_read = 1
  }
  in_string = in_comment = 0
  split(FILENAME, part, "/")
  self = part[2]
  if (!(self in ring)) {
    wrong(FILENAME ":1", "the target " self " has no line in scripts/layers.table")
    ring[self] = "unknown" # said once
    quiet[self] = 1
  }
}

{
  was_string = in_string
  if (!in_comment) {
    copy = $0
    if (gsub(/"""/, "", copy) % 2) in_string = !in_string
  }
  if (was_string) next
  if (!in_comment && $0 ~ /^[ \t]*\/\*/) in_comment = 1
  if (in_comment) {
    if ($0 ~ /\*\//) in_comment = 0
    next
  }
  if (self in quiet) next
  if ($0 !~ /^[ \t]*(@[A-Za-z_]+(\([^)]*\))?[ \t]+)*((public|package|internal|fileprivate|private)[ \t]+)?import[ \t]+[A-Za-z_]/) next
  module = $0
  sub(/^.*import[ \t]+((struct|class|enum|protocol|func|var|let|typealias|actor)[ \t]+)?/, "", module)
  sub(/[^A-Za-z0-9_].*$/, "", module)
  if (module in never) wrong(FILENAME ":" FNR, "no target imports " module ": " never[module])
  else if (!(module in everywhere) && !((self, module) in allowed))
    wrong(FILENAME ":" FNR, self " (" ring[self] ") may not import " module ": " reason[ring[self]])
}

END { exit failed }
