import RungCore
import RungStore

/// A place elsewhere that keeps objects under their digests and results under action keys: what an `ObjectStore` and a
/// ledger hold between them, for others to use.
///
/// Every method blocks and may be called from several plain threads at once. Nothing that comes from there is believed:
/// an object is in the store only after its digest was checked, and what a result says is for the caller to judge.
public protocol RemoteStorage: Sendable {
  /// What people call it, in messages: its address, never with credentials.
  var name: String { get }

  /// Which of these objects are there. The empty object always is.
  func present(_ objects: [Digest]) throws(RemoteError) -> Set<Digest>

  /// Copies objects from the store; what is there already is not sent. Throws when the remote as a whole cannot be used
  /// (`RemoteError`); what befell single objects is in the outcome.
  func push(
    _ objects: [Digest], from store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome

  /// Copies objects into the store, each once its digest was checked; flushing is left to the caller. What the store has
  /// already is not asked for. An object that the remote has not, or has with other bytes, is in the outcome.
  func pull(
    _ objects: [Digest], into store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome

  /// What is kept under an action key, at most 16 MiB; nil when nothing is.
  func result(_ key: Digest) throws(RemoteError) -> [UInt8]?

  /// Keeps bytes under an action key in place of what was there. Whoever looks meanwhile finds the old or the new.
  func putResult(_ bytes: [UInt8], for key: Digest) throws(RemoteError)
}

/// How far a transfer has come.
public struct TransferProgress: Sendable, Hashable {
  /// Objects that are done, skipped ones included.
  public var objects: Int
  /// Of so many.
  public var ofObjects: Int
  /// Bytes that went over the wire so far, as they are transferred.
  public var bytes: Int64

  /// A state of a transfer.
  public init(objects: Int, ofObjects: Int, bytes: Int64) {
    self.objects = objects
    self.ofObjects = ofObjects
    self.bytes = bytes
  }
}

/// What came of a transfer.
public struct TransferOutcome: Sendable {
  /// Objects that were transferred.
  public var moved = 0
  /// Bytes of them, as they are transferred.
  public var bytes: Int64 = 0
  /// Objects that were at the other end already.
  public var skipped = 0
  /// Objects that could not be transferred, with the reason.
  public var failed: [Digest: RemoteError] = [:]

  /// Nothing yet.
  public init() {}
}

/// Why a remote did not do what it was asked.
public struct RemoteError: Error, Sendable, CustomStringConvertible {
  /// The kinds of trouble that callers tell apart.
  public enum Kind: Sendable, Hashable {
    /// It cannot be reached, or stopped answering.
    case unreachable
    /// It wants other credentials, or lets nobody do this.
    case forbidden
    /// It takes no more: full, or read-only.
    case full
    /// Its certificate is not good.
    case untrusted
    /// It has not what was asked for.
    case missing
    /// What it gave is not what its name says.
    case damaged
    /// It answers in a way that is not understood.
    case strange
    /// This side: a full disk, a program that is not installed, a wrong address.
    case local
  }

  /// What kind of trouble it is.
  public let kind: Kind
  /// A sentence for people, without a full stop: what happened, at which remote; never with credentials.
  public let message: String

  /// A trouble of a kind.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The sentence.
  public var description: String { message }
}
