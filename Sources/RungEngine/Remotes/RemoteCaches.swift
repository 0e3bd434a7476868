import RungCore
import RungRemote
import Synchronization

/// A remote as a project uses it.
public struct RemoteCache: Sendable {
  /// What the project calls it: its `name`, or its address.
  public let name: String
  /// Whether results are given to it (`push`); they are taken from it always.
  public let pushes: Bool
  let storage: any RemoteStorage

  /// A remote under a name.
  public init(name: String, pushes: Bool, storage: any RemoteStorage) {
    self.name = name
    self.pushes = pushes
    self.storage = storage
  }

  /// Asks it for something that costs little. Throws what it answers.
  public func knock() throws(RemoteError) { _ = try storage.present([Digest(ofText: "rung")]) }
}

/// The remotes of a run, and on what terms they are used.
public struct RemoteCaches: Sendable {
  /// In the order in which they are asked.
  public var remotes: [RemoteCache]
  /// Whose results are accepted.
  public var trust: Trust
  /// Who signs what is given to others; nil when there is no key.
  public var signer: Signer?
  /// Whether there is a key to sign with.
  public var canSign: Bool { signer != nil }
  /// How long a remote may be silent before it is left alone, in milliseconds.
  public var patience: Int
  /// How long a run waits in the end for what it has still to give, in milliseconds.
  public var lingering: Int

  /// Remotes.
  public init(
    _ remotes: [RemoteCache], trust: Trust, signer: Signer?, patience: Int = 20_000, lingering: Int = 60_000
  ) {
    self.remotes = remotes
    self.trust = trust
    self.signer = signer
    self.patience = patience
    self.lingering = lingering
  }
}
