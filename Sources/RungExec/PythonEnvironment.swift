import RungCore

/// A Python environment as a lock file and an interpreter define it, built or not.
public struct PythonEnvironment: Hashable, Sendable {
  /// What goes into the keys of steps: the lock, the interpreter's implementation and version, the machine. Not the
  /// place of anything.
  public let identity: Digest
  /// The digest of the lock file's bytes.
  public let lockDigest: Digest
  /// The interpreter that the environment is made from, absolute, symbolic links resolved.
  public let interpreterPath: String
  /// For example `CPython 3.11.2`.
  public let interpreterVersion: String
  /// The digest of the interpreter's file, for the record; nil when it cannot be read.
  public let interpreterDigest: Digest?
  /// For example `linux-x86_64 glibc 2.36`.
  public let platform: String
  /// Where it is, or will be, built.
  public let folder: String

  /// What goes in front of a step's PATH.
  public var binFolder: String { "\(folder)/bin" }

  init(
    lockDigest: Digest, interpreterPath: String, interpreterVersion: String, interpreterDigest: Digest?,
    platform: String, in folder: String
  ) {
    var hash = FramedHash(domain: "rung/environment/1")
    hash.field("lock", lockDigest)
    hash.field("interpreter", interpreterVersion)
    hash.field("platform", platform)
    identity = hash.digest()
    self.lockDigest = lockDigest
    self.interpreterPath = interpreterPath
    self.interpreterVersion = interpreterVersion
    self.interpreterDigest = interpreterDigest
    self.platform = platform
    self.folder = "\(folder)/\(identity.hex.prefix(32))"
  }
}

/// Why there is no Python environment.
public struct EnvironmentError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What happened, to which thing, and what to do next. The first line is a sentence without a full stop; others may
  /// follow: the end of what pip or uv said.
  public let description: String
  /// True when the machine is at fault (no interpreter, no venv, a full disk), false when it is the lock file.
  public let isMachineFault: Bool

  /// An error told by a sentence.
  public init(_ description: String, isMachineFault: Bool) {
    self.description = description
    self.isMachineFault = isMachineFault
  }
}
