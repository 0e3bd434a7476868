import RungCore

extension Comparison {
  /// The comparison for programs; docs/formats/json.md lists the members.
  public var json: JSON {
    let what: JSON = [
      "old": old.json, "new": new.json, "same": .bool(isEmpty), "paired": .int(paired), "identical": .int(identical),
      "unexplained": .strings(unexplained),
      "settings": .array(settings.map(\.json)), "files": .array(files.map(\.json)),
      "packages": .array(
        packages.map {
          ["lock": .string($0.lock), "name": .string($0.name), "old": .optional($0.old), "new": .optional($0.new)]
        }),
    ]
    return what.appending([
      "instances": .array(
        instances.map {
          ["instance": .string($0.instance), "old": .optional($0.old), "new": .optional($0.new)]
        }),
      "metrics": .array(metrics.map(\.json)), "outputs": .array(outputs.map(\.json)),
      "complete": .bool(incomplete.isEmpty), "incomplete": .array(incomplete.map(\.json)),
    ])
  }
}

extension ResultSet {
  /// Without the records of a whole state, which are many.
  var json: JSON {
    [
      "word": .string(word), "kind": .string(kind.rawValue), "name": .string(name), "records": .int(records.count),
      "record": records.count == 1 ? .optional(records.first) : .null, "run": .optional(run),
      "commit": .optional(commit), "dirty": .optional(dirty), "started_ns": started.map { .int($0) } ?? .null,
    ]
  }
}

extension Comparison.Setting {
  var json: JSON {
    func value(_ text: String?) -> JSON {
      guard let text else { return .null }
      return kind == .parameter ? (try? JSON(parsing: text)) ?? .string(text) : .string(text)
    }
    return [
      "kind": .string(kind.rawValue), "name": .string(name), "old": value(old), "new": value(new),
      "steps": .strings(steps), "instances": .int(instances),
    ]
  }
}

extension Comparison.FileChange {
  var json: JSON {
    [
      "path": .string(path), "kind": .string(kind.rawValue), "old": .array(old.map { .digest($0) }),
      "new": .array(new.map { .digest($0) }), "old_size": oldSize.map { .int($0) } ?? .null,
      "new_size": newSize.map { .int($0) } ?? .null, "used_by": .strings(usedBy), "observed": .bool(observed),
      "diff": diff.map { .strings($0) } ?? .null,
      "members": members.map {
        ["added": .strings($0.added), "removed": .strings($0.removed), "changed": .strings($0.changed)]
      } ?? .null,
    ]
  }
}

extension Comparison.Metric {
  var json: JSON {
    func number(_ value: Double?) -> JSON { value.map { .double($0) } ?? .null }
    return [
      "step": .string(step), "output": .string(output), "path": .string(path), "instances": .int(instances),
      "changed": .int(changes.count),
      "changes": .array(
        changes.map {
          [
            "instance": .string($0.instance), "path": .string($0.path), "old": number($0.old), "new": number($0.new),
            "absolute": number($0.absolute), "relative": number($0.relative),
          ]
        }),
    ]
  }
}

extension Comparison.OutputChange {
  var json: JSON {
    [
      "instance": .string(instance), "step": .string(step), "output": .string(output), "path": .string(path),
      "old": .optional(old), "new": .optional(new), "old_size": oldSize.map { .int($0) } ?? .null,
      "new_size": newSize.map { .int($0) } ?? .null, "figure": .bool(isFigure), "measured": .bool(isMeasured),
    ]
  }
}
