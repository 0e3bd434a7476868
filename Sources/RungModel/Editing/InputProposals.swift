import RungCore

/// Turns files that a step was seen to read into inputs that it could declare.
public enum InputProposals {
  /// More files than this, of one folder and one extension, become a glob if they can.
  public static let limit = 20

  /// The inputs, sorted: a path for each file, a glob for many that are all of their kind in their folder.
  ///
  /// - Parameters:
  ///   - missing: the files that are not declared yet.
  ///   - read: all files that the step read, declared or not. A glob must match nothing else.
  ///   - files: the project.
  public static func inputs(
    for missing: Set<RelativePath>, read: Set<RelativePath>, files: ProjectFiles
  ) -> [NewInput] {
    var kinds: [RelativePath: Set<RelativePath>] = [:]
    for path in missing {
      if let pattern = pattern(of: path) { kinds[pattern, default: []].insert(path) }
    }
    var inputs: [NewInput] = []
    var left = missing
    for (pattern, members) in kinds where members.count > limit && matchesOnly(read, pattern, files) {
      inputs.append(NewInput(path: pattern, form: .glob))
      left.subtract(members)
    }
    inputs += left.map { NewInput(path: $0) }
    return inputs.sorted { $0.path < $1.path }
  }

  // `data/*.csv` for `data/a.csv`; nil where there is no extension, or the folder would be a pattern itself.
  private static func pattern(of path: RelativePath) -> RelativePath? {
    let name = path.name
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex, name.first != "." else { return nil }
    let end = name[dot...]
    guard end.count > 1, !Glob.isPattern(path.parent.text), !Glob.isPattern(end) else { return nil }
    return path.parent.appending("*\(end)")
  }

  private static func matchesOnly(_ read: Set<RelativePath>, _ pattern: RelativePath, _ files: ProjectFiles) -> Bool {
    let glob = Glob(pattern.text)
    return files.list(pattern.parent).allSatisfy { name in
      guard let path = pattern.parent.appending(name), glob.matches(path.text) else { return true }
      return read.contains(path) || files.kind(path) != .file
    }
  }
}
