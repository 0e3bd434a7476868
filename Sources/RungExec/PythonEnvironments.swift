import Glibc
import RungCore

/// The Python environments of a cache: identified at the price of a stat, built once, shared by all steps and runs.
public struct PythonEnvironments: Sendable {
  /// Where environments lie, absolute: one folder for each, named by its identity, and files beside it.
  public let folder: String
  // The whole environment of pip and uv: the caller's, with its proxies and package indices.
  let variables: [(name: String, value: String)]

  /// The environments below `folder` (made when the first is built). `variables` is what uv and pip see, by default
  /// everything that this process was given: building is Rung's own doing, not a step's.
  public init(folder: String, variables: [(name: String, value: String)]? = nil) {
    self.folder = folder
    self.variables = variables ?? Self.inherited()
  }

  /// A place to remember what interpreters said about themselves, from run to run. Keys and values are opaque texts
  /// without line breaks; forgetting is always allowed.
  public struct Memo {
    /// The value last set for a key.
    public var get: (_ key: String) -> String?
    /// Remembers a value.
    public var set: (_ key: String, _ value: String) -> Void

    /// A memo.
    public init(get: @escaping (String) -> String?, set: @escaping (String, String) -> Void) {
      self.get = get
      self.set = set
    }
  }

  /// Says which environment a lock file means on this machine, without building it.
  ///
  /// The interpreter is `interpreter` (a name on `path`, or a path) or else the first `python3` on `path` that is a
  /// native program once symbolic links are followed: scripts that choose an interpreter by rules of their own (pyenv's
  /// shims) are passed over. It is run once to be asked for its version, and `memo` remembers the answer for as long as
  /// the file is the same (device, inode, size, times).
  public func identify(
    lock: [UInt8], interpreter: String?, path: String, memo: Memo
  ) throws(EnvironmentError) -> PythonEnvironment {
    let file = try PythonInterpreter.find(interpreter, path: path)
    let facts = try file.facts(memo: memo)
    return PythonEnvironment(
      lockDigest: Digest(of: lock), interpreterPath: file.path, interpreterVersion: facts.version,
      interpreterDigest: facts.digest, platform: facts.platform, in: folder)
  }

  /// True when the environment is there, complete.
  public func isBuilt(_ environment: PythonEnvironment) -> Bool {
    access(Self.marker(of: environment), F_OK) == 0
  }

  // Written last, so that its presence means a complete environment.
  static func marker(of environment: PythonEnvironment) -> String { "\(environment.folder)/.rung-complete" }

  private static func inherited() -> [(name: String, value: String)] {
    var result: [(name: String, value: String)] = []
    var at = environ
    while let entry = at.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "="), equals != text.startIndex {
        result.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
      }
      at += 1
    }
    return result
  }
}
