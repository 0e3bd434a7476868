import RungCore

extension OutputHistory {
  /// The history for programs; docs/formats/json.md lists the members.
  public func json(target: String) -> JSON {
    ["target": .string(target), "entries": .array(entries.map(\.json)), "more": .bool(isCut)]
  }
}

extension OutputHistory.Entry {
  var json: JSON {
    [
      "instance": .string(instance), "outcome": .string(outcome), "at_ns": .int(at), "run": .string(run),
      "key": .digest(key), "record": .optional(record), "host": .optional(host), "commit": .optional(commit),
      "dirty": .optional(dirty), "problem": .optional(problem), "outputs": .array(outputs.map(\.json)),
      "changes": .array(changes.map(\.json)),
    ]
  }
}

extension OutputHistory.Value {
  var json: JSON {
    [
      "name": .string(name), "path": .string(path), "digest": .digest(digest), "size": .int(size),
      "gone": .bool(isGone), "unchanged": .bool(isUnchanged),
      "numbers": numbers.map { .object($0.map { JSON.Member($0.path, .number($0.text)) }) } ?? .null,
    ]
  }
}

extension FieldChange {
  var json: JSON {
    [
      "field": .string(field), "name": .string(name), "old": .optional(old), "new": .optional(new),
      "members": members.map {
        ["added": .int($0.added), "removed": .int($0.removed), "changed": .int($0.changed)]
      } ?? .null,
    ]
  }
}
