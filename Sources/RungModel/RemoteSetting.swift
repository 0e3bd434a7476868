import RungCore

/// A remote cache as `remote` in rung.yaml declares it.
public struct RemoteSetting: Hashable, Sendable {
  /// Where it is: a folder, or a URL.
  public var address: String
  /// What people call it; nil for its address.
  public var name: String?
  /// Whether results are given to it.
  public var push: Bool

  /// A remote.
  public init(address: String, name: String? = nil, push: Bool = true) {
    self.address = address
    self.name = name
    self.push = push
  }
}
