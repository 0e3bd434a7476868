import RungCore

extension Impact {
  /// The impact for programs; docs/formats/json.md lists the members.
  public var json: JSON {
    [
      "source": .string(source), "path": .optional(path), "digest": .optional(digest),
      "contents": .array(
        contents.map {
          [
            "digest": .digest($0.digest), "current": .bool($0.isCurrent), "paths": .strings($0.paths),
            "readers": .strings($0.readers),
          ]
        }),
      "published": .array(
        figures.map {
          [
            "path": .string($0.path), "digest": .digest($0.digest), "instance": .string($0.instance),
            "output": .string($0.output), "record": .digest($0.record), "contents": digests($0.contents),
            "through": .strings($0.through),
          ]
        }),
      "instances": .array(
        instances.map {
          [
            "instance": .string($0.instance), "step": .string($0.step), "record": .digest($0.record),
            "contents": digests($0.contents), "direct": .bool($0.isDirect),
          ]
        }),
      "complete": .bool(incomplete.isEmpty), "incomplete": .array(incomplete.map(\.json)),
    ]
  }

  private func digests(_ indices: [Int]) -> JSON { .array(indices.map { .digest(contents[$0].digest) }) }
}
