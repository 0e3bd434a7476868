import RungCore

/// The files of the project that an instance of a step declares as inputs.
public struct DeclaredFiles: Sendable {
  private var paths: Set<RelativePath> = []
  private var globs: Set<Glob> = []

  /// No files.
  public init() {}

  /// Declares a file, a folder with all that is in it, or what a glob matches. The path is from the project's root.
  public mutating func declare(_ path: RelativePath, _ form: Input.Form) {
    switch form {
    case .path: paths.insert(path)
    case .glob: globs.insert(Glob(path.text))
    }
  }

  /// Whether a file is declared: by itself, in a folder, by a glob.
  public func covers(_ file: RelativePath) -> Bool {
    var folder = file
    while !paths.contains(folder) {
      if folder.text.isEmpty { return globs.contains { $0.matches(file.text) } }
      folder = folder.parent
    }
    return true
  }
}
