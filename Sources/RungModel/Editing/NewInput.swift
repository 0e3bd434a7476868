import RungCore

/// An input that a step shall declare.
public struct NewInput: Hashable, Sendable {
  /// The name; nil for one made from the path. A list of inputs has no names.
  public var name: String?
  /// From the project's root: a path, or a glob.
  public var path: RelativePath
  /// What `path` stands for.
  public var form: Input.Form

  /// An input to add.
  public init(name: String? = nil, path: RelativePath, form: Input.Form = .path) {
    self.name = name
    self.path = path
    self.form = form
  }
}
