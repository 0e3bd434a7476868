import RungCore
import RungWire

/// What is asked of the server: one request at a time, and what becomes of its answers. Called by one thread.
protocol HTTPWork: AnyObject {
  /// The request to make now, also when it is made once more; nil when this side cannot go on, which the work has told
  /// to whom it may concern.
  func request() -> HTTPRequest?
  /// Gives up to so many bytes of the body to `send`, in pieces; false when this side cannot go on.
  func give(_ most: Int, _ send: (UnsafeRawBufferPointer) -> Void) -> Bool
  /// Takes bytes of the answer; false when this side cannot go on.
  func take(_ bytes: UnsafeRawBufferPointer, status: Int) -> Bool
  /// The server did what was asked (2xx), or has it not (404). True when there is another request to make.
  func done(isThere: Bool) -> Bool
  /// What came so far is not to be gone on with.
  func startOver()
  /// It cannot be done.
  func failed(_ error: RemoteError)
}

/// A request.
struct HTTPRequest {
  var method: TransferTalk.Method
  /// Below the address, such as `/cas/…`.
  var path: String
  /// The bytes of the body.
  var size: Int64 = 0
  /// The body itself, where it is short.
  var body: [UInt8] = []
  /// The most bytes of an answer.
  var most: Int64 = 0
  /// The first byte that is wanted.
  var from: Int64 = 0
}

extension HTTPWork {
  func give(_ most: Int, _ send: (UnsafeRawBufferPointer) -> Void) -> Bool { false }
  func take(_ bytes: UnsafeRawBufferPointer, status: Int) -> Bool { true }
  func startOver() {}
}
