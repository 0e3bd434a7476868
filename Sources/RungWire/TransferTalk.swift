/// The conversation between `rung` and `rung-transfer`, in frames over one socket that is the standard input and output of
/// the latter.
///
/// `rung` begins with `Ask.hello` and gets `Answer.hello`. Then each request has a number of its choice:
///
///     start ──────────────▶                 a request; a body of at most 64 KiB comes with it
///           ◀────────────── want n          so many bytes more of a longer body can be taken
///     body  ──────────────▶                 they, at most
///           ◀────────────── data            of the answer, when its status is 200 or 206
///           ◀────────────── over            once, the last of this number
///
/// `rung-transfer` never waits for `rung` to read: where it does not, it stops reading from its connections. It ends when
/// its input does.
public enum TransferTalk {
  /// Both must have the same.
  public static let version: UInt32 = 1
  /// The longest body that comes with its request.
  public static let inline = 64 << 10

  /// What `rung` says.
  public enum Ask: UInt8 {
    /// version (4 bytes), then pairs of texts: `Setting` and its value.
    case hello = 1
    /// method (1 byte), bytes of the body (8), most bytes of the answer (8), first byte that is wanted (8), path (text),
    /// then the body if it is short.
    case start = 2
    /// Bytes of a body.
    case body = 3
    /// Forget the request; `over` comes all the same.
    case cancel = 4
  }

  /// What `rung-transfer` says.
  public enum Answer: UInt8 {
    /// version (4 bytes), libcurl's version (text).
    case hello = 1
    /// status (4 bytes), bytes.
    case data = 2
    /// bytes (4 bytes).
    case want = 3
    /// libcurl's code (4 bytes), status (4), OpenSSL's reason not to trust (4), libcurl's words (text).
    case over = 4
  }

  /// What a request does.
  public enum Method: UInt8, Sendable {
    case head = 0
    case get = 1
    case put = 2
  }

  /// What `hello` may set.
  public enum Setting: String {
    /// The address before the paths of requests.
    case address
    case token
    case user
    case password
    /// A file with certificates to believe instead of the system's.
    case authorities
    /// Seconds without a byte after which a connection is given up; as many are waited for a connection.
    case stall
    /// Connections at once.
    case connections
    /// The name that is told to servers.
    case agent
  }
}
