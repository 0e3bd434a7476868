import RungCore

/// What the declared inputs find on disk. Remembers what globs found, because many steps share them.
struct FileChecks {
  let files: ProjectFiles
  let mistakes: Mistakes
  private var globs: [String: Bool] = [:]

  /// How many names a glob may look at before it counts as matched.
  private static let walkLimit = 200_000

  init(files: ProjectFiles, mistakes: Mistakes) {
    self.files = files
    self.mistakes = mistakes
  }

  /// Checks an input whose path holds no references. Returns the path of a single file or folder.
  mutating func check(_ text: String, form: Input.Form, base: RelativePath, at node: YAMLNode) -> RelativePath? {
    guard let path = RelativePath(text, in: base) else {
      mistakes.error(
        "the input '\(text)' lies outside the project", at: node,
        notes: ["a step can only read files of the project: copy or link them into it"])
      return nil
    }
    if form == .glob {
      let found = globs[path.text] ?? Self.hasMatch(path.text, files: files)
      globs[path.text] = found
      if !found, !files.isLeftOut(path.text) {
        mistakes.error("the glob '\(text)' matches no file", at: node, notes: ["looked for \(path)"])
      }
      return nil
    }
    if files.kind(path) == nil {
      if files.isLeftOut(path.text) { return path }
      mistakes.error(
        "there is no file \(path)", at: node, notes: [Self.suggestion(for: path, files: files)].compactMap { $0 })
      return path
    }
    if !files.staysInside(path) {
      mistakes.error("\(path) is a symbolic link that leads out of the project", at: node)
      return path
    }
    return path
  }

  /// The nearest name in the folder of a path that does not exist.
  static func suggestion(for path: RelativePath, files: ProjectFiles) -> String? {
    let names = files.list(path.parent)
    if let near = Mistakes.near(path.name, among: names) { return "did you mean '\(near)'?" }
    let folder = path.parent.text.isEmpty ? "the project" : path.parent.text
    if names.isEmpty { return "there is no folder \(folder), or it is empty" }
    return "\(folder) holds \(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? ", …" : "")"
  }

  private static func hasMatch(_ pattern: String, files: ProjectFiles) -> Bool {
    let glob = Glob(pattern)
    guard let start = RelativePath(glob.fixedPrefix) else { return false }
    let deepest = pattern.contains("**") || pattern.contains("{") ? 64 : pattern.split(separator: "/").count
    var folders = [start]
    var looked = 0
    while let folder = folders.popLast() {
      for name in files.list(folder) {
        guard let path = folder.appending(name), let kind = files.kind(path) else { continue }
        if glob.matches(path.text) { return true }
        if kind == .directory, path.components.count < deepest, !name.hasPrefix(".") { folders.append(path) }
        looked += 1
        if looked > walkLimit { return true }
      }
    }
    return false
  }
}
