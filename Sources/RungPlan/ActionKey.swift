import RungCore
import RungModel

/// One thing that can change a result, as it goes into an action key and into `rung why`.
public struct KeyField: Hashable, Sendable {
  /// What kind of thing it is.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// The command as declared, references in braces.
    case command
    /// The shell that reads it, or none.
    case shell
    /// The program that the command starts with, by content.
    case program
    /// A parameter that the step uses.
    case parameter
    /// An axis value of the instance.
    case axis
    /// A file, directory or glob of the project, or an output of another step, by content.
    case input
    /// A part of the environment that Rung built: its lock file, its interpreter, its platform.
    case environment
    /// An environment variable that was declared.
    case variable
    /// The name of a secret that is passed.
    case secret
    /// A declared output: its path and whether it is a directory.
    case output
    /// Processors or GPUs, whose number can change a result.
    case resource
    /// That the network may be used.
    case network
    /// A claim that is judged.
    case claim
    /// The results whose making a claim of independence examines, by their records.
    case lineage
  }

  /// What kind of thing.
  public let kind: Kind
  /// Which of that kind; empty where there is just one.
  public let name: String
  /// The value for people: the text of a parameter, the path of an input.
  public let value: String
  /// The content, where the value is a name for it.
  public let digest: Digest?

  /// A field of a key.
  public init(_ kind: Kind, _ name: String = "", value: String, digest: Digest? = nil) {
    self.kind = kind
    self.name = name
    self.value = value
    self.digest = digest
  }
}

/// What an action is called in the cache: equal keys, equal results.
///
/// The key is the framed hash (domain `rung/key/1`) of its fields in their order: first those that all instances of a
/// step share, then those of the instance. The same list of fields is kept in the record, and `rung why` compares two
/// such lists, so the explanation cannot disagree with the key.
public struct ActionKey: Hashable, Sendable {
  /// The digest that names the action.
  public let digest: Digest
  /// What it covers, in hashing order.
  public let fields: [KeyField]

  /// The key of these fields.
  public init(fields: [KeyField]) {
    var base = Base(fields: [])
    self = base.key(adding: fields)
  }

  private init(digest: Digest, fields: [KeyField]) {
    self.digest = digest
    self.fields = fields
  }

  /// The part of a key that the instances of a step share, hashed once.
  public struct Base: Sendable {
    /// The shared fields.
    public let fields: [KeyField]
    private var hash: FramedHash

    /// The shared part.
    public init(fields: [KeyField]) {
      self.fields = fields
      hash = FramedHash(domain: "rung/key/1")
      for field in fields { Self.add(field, to: &hash) }
    }

    /// The key of an instance: the shared fields, then its own.
    public mutating func key(adding own: [KeyField]) -> ActionKey {
      ActionKey(digest: digest(adding: own), fields: fields + own)
    }

    /// Only the digest of `key(adding:)`.
    public func digest(adding own: [KeyField]) -> Digest {
      var hash = hash
      for field in own { Self.add(field, to: &hash) }
      return hash.digest()
    }

    private static func add(_ field: KeyField, to hash: inout FramedHash) {
      hash.field("kind", field.kind.rawValue)
      hash.field("name", field.name)
      hash.field("value", field.value)
      if let digest = field.digest { hash.field("digest", digest) }
    }
  }
}
