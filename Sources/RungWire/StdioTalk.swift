/// The conversation between a remote cache's user and `rung serve-stdio` at the other end of ssh, in frames over its standard
/// input and output (docs/formats/remote.md).
///
/// The user may ask many things before the first is answered; they are answered in their order. Each answer has the number
/// of what it answers. Digests are 32 bytes.
public enum StdioTalk {
  /// Both ends must have the same.
  public static let version: UInt32 = 1
  /// What both begin with before anything else, so that a shell which greets is noticed.
  public static let mark = "rung-stdio"
  /// The most digests of one `has`.
  public static let mostDigests = 10_000

  /// What the user says.
  public enum Ask: UInt8 {
    /// The mark (text), version (4 bytes).
    case hello = 1
    /// Digests. Answered by `which`.
    case has = 2
    /// A digest. Answered by `begin`, `data` and `done`, or by `missing`.
    case get = 3
    /// A digest and how many bytes it has (8). Then come `data` and `end`, and then the answer `done`.
    case put = 4
    /// A key. Answered like `get`.
    case result = 5
    /// A key and how many bytes it has (8). The same as `put`; what was put before is durable when it is answered.
    case putResult = 6
    /// Bytes of what is put.
    case data = 7
    /// All bytes of what is put were sent.
    case end = 8
    /// What is put is not to be kept. Not answered, and neither is the put.
    case cancel = 9
    /// Make everything durable. Answered by `done`.
    case flush = 10
  }

  /// What the other end says. Instead of any of these may come `failed`.
  public enum Answer: UInt8 {
    /// The mark (text), version (4 bytes).
    case hello = 1
    /// A byte for each digest: 1 where it is there, else 0.
    case which = 2
    /// How many bytes come (8).
    case begin = 3
    /// Bytes.
    case data = 4
    /// It is done, and what was sent was whole and right.
    case done = 5
    /// It is not there.
    case missing = 6
    /// Why not (1 byte: `Failure`) and a sentence (text).
    case failed = 7
  }

  /// The kinds of `failed`.
  public enum Failure: UInt8 {
    case damaged = 1
    case full = 2
    case forbidden = 3
    case other = 4
  }
}
