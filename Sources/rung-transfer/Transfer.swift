import CCurl
import Glibc
import RungWire

/// One request and its answer.
final class Transfer {
  let number: UInt32
  private(set) var easy: UnsafeMutableRawPointer?
  // When something of it last moved, in milliseconds.
  private var moved: Int64 = 0
  /// The answer has more bytes than were allowed.
  private(set) var isTooLong = false

  private let method: TransferTalk.Method
  private let size: Int64
  private let most: Int64
  private let from: Int64
  private let path: String
  private unowned let loop: TransferLoop

  // What is to be sent and has come from `rung`, and how far it was sent.
  private var body: [UInt8]
  private var bodyStart = 0
  private var asked: Int64
  private var sent: Int64 = 0
  private var received: Int64 = 0
  private var status = 0
  private var isSendHeld = false
  private var isReceiveHeld = false
  private let problem = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private var headers: UnsafeMutablePointer<curl_slist>?

  /// So many bytes of a long body are asked for in advance.
  private static let ahead = 512 << 10

  /// Reads a request; nil when it is nonsense.
  init?(_ number: UInt32, _ frame: inout WireReader, loop: TransferLoop) {
    guard let method = frame.number(UInt8.self).flatMap({ TransferTalk.Method(rawValue: $0) }),
      let size: Int64 = frame.number(), let most: Int64 = frame.number(), let from: Int64 = frame.number(),
      let path = frame.text(), size >= 0, most >= 0, from >= 0
    else { return nil }
    self.number = number
    (self.method, self.size, self.most, self.from, self.path, self.loop) = (method, size, most, from, path, loop)
    body = Array(frame.everything())
    asked = Int64(body.count)
    guard asked == 0 || asked == size else { return nil }
    problem.pointee = 0
  }

  deinit {
    problem.deallocate()
    curl_slist_free_all(headers)
  }

  /// Tells libcurl everything about the request.
  func prepare(_ easy: UnsafeMutableRawPointer) {
    self.easy = easy
    moved = TransferLoop.now()
    let settings = loop.settings
    let address = settings[.address] ?? ""
    let isSecure = address.hasPrefix("https:")
    rung_curl_set_text(easy, CURLOPT_URL, address + path)
    rung_curl_set_text(easy, CURLOPT_USERAGENT, settings[.agent] ?? "rung")
    rung_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, problem)
    rung_curl_set_movers(
      easy,
      { bytes, size, count, context in
        Transfer.of(context)?.receive(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
      },
      { bytes, size, count, context in
        Transfer.of(context)?.give(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
          ?? RUNG_CURL_READ_ABORT
      },
      { context, offset, origin in
        Transfer.of(context)?.rewind(to: Int64(offset), origin) ?? CURL_SEEKFUNC_CANTSEEK
      }, Unmanaged.passUnretained(self).toOpaque())
    let numbers: [(CURLoption, Int)] = [
      (CURLOPT_NOSIGNAL, 1), (CURLOPT_TCP_KEEPALIVE, 1), (CURLOPT_BUFFERSIZE, 256 << 10),
      (CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10), (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
      (CURLOPT_CONNECTTIMEOUT, stall),
      (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2), (CURLOPT_MAXREDIRS, 5),
      // A body is not sent a second time to where somebody points: that is for people to decide.
      (CURLOPT_FOLLOWLOCATION, method == .put ? 0 : 1), (CURLOPT_HTTPAUTH, 1),
    ]
    for (option, value) in numbers { rung_curl_set_number(easy, option, value) }
    rung_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, isSecure ? "https" : "http")
    rung_curl_set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, isSecure ? "https" : "http,https")
    if let file = settings[.authorities] { rung_curl_set_text(easy, CURLOPT_CAINFO, file) }
    if let token = settings[.token] {
      rung_curl_set_number(easy, CURLOPT_HTTPAUTH, 1 << 6)
      rung_curl_set_text(easy, CURLOPT_XOAUTH2_BEARER, token)
    } else if let user = settings[.user] {
      rung_curl_set_text(easy, CURLOPT_USERNAME, user)
      rung_curl_set_text(easy, CURLOPT_PASSWORD, settings[.password] ?? "")
    }
    headers = curl_slist_append(headers, "Expect:")
    headers = curl_slist_append(headers, "Accept: */*")
    switch method {
    case .head: rung_curl_set_number(easy, CURLOPT_NOBODY, 1)
    case .get:
      rung_curl_set_number(easy, CURLOPT_HTTPGET, 1)
      rung_curl_set_size(easy, CURLOPT_MAXFILESIZE_LARGE, Int(most))
      if from > 0 { rung_curl_set_text(easy, CURLOPT_RANGE, "\(from)-") }
    case .put:
      rung_curl_set_number(easy, CURLOPT_UPLOAD, 1)
      rung_curl_set_size(easy, CURLOPT_INFILESIZE_LARGE, Int(size))
      headers = curl_slist_append(headers, "Content-Type: application/octet-stream")
      ask()
    }
    rung_curl_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
  }

  /// True when nothing moved for too long. (libcurl's own LOW_SPEED_TIME looks at a mean over some seconds more.) Who has
  /// got a whole body may take longer to say so.
  func isStalled(at now: Int64) -> Bool {
    let patience = Int64(stall) * 1000 * (method == .put && sent == size ? 4 : 1)
    return !isSendHeld && !isReceiveHeld && now - moved >= patience
  }

  private var stall: Int { loop.settings[.stall].flatMap { Int($0) } ?? 30 }

  /// libcurl is done with it.
  func forget() { easy = nil }

  /// What libcurl says of its end, for people.
  func words(for result: CURLcode) -> String {
    if result == CURLE_OK { return "" }
    return String(cString: problem.pointee != 0 ? UnsafePointer(problem) : curl_easy_strerror(result))
  }

  /// Takes bytes of a body that was asked for.
  func take(_ bytes: UnsafeRawBufferPointer) {
    if bodyStart > 0 {
      body.removeFirst(bodyStart)
      bodyStart = 0
    }
    body.append(contentsOf: bytes)
    guard isSendHeld else { return }
    isSendHeld = false
    unpause()
  }

  /// There is room for its answer again.
  func goOn() {
    guard isReceiveHeld else { return }
    isReceiveHeld = false
    unpause()
  }

  private func unpause() {
    guard let easy else { return }
    moved = TransferLoop.now()
    curl_easy_pause(easy, (isReceiveHeld ? CURLPAUSE_RECV : 0) | (isSendHeld ? CURLPAUSE_SEND : 0))
  }

  private func ask() {
    let have = body.count - bodyStart
    let more = min(size - asked, Int64(Self.ahead) - (asked - sent))
    guard more > 0, have == 0 || more >= Self.ahead / 2 else { return }
    asked += more
    var answer = WireWriter()
    answer.add(UInt32(more))
    loop.writer.add(TransferTalk.Answer.want.rawValue, number, answer.bytes)
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    moved = TransferLoop.now()
    if status == 0, let easy { status = rung_curl_status(easy) }
    received += Int64(bytes.count)
    guard status == 200 || status == 206 else {
      // What a page about an error says is not for us; an endless one is none.
      status = 0
      return received > 1 << 20 ? 0 : bytes.count
    }
    if received > most {
      isTooLong = true
      return 0
    }
    if loop.isFull(for: self) {
      received -= Int64(bytes.count)
      isReceiveHeld = true
      return RUNG_CURL_WRITE_PAUSE
    }
    var head = WireWriter()
    head.add(UInt32(status))
    loop.writer.add(TransferTalk.Answer.data.rawValue, number, head.bytes, bytes)
    return bytes.count
  }

  private func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
    moved = TransferLoop.now()
    let count = min(room.count, body.count - bodyStart)
    if count == 0 {
      if sent == size { return 0 }
      isSendHeld = true
      return RUNG_CURL_READ_PAUSE
    }
    body.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[bodyStart..<bodyStart + count])) }
    bodyStart += count
    sent += Int64(count)
    ask()
    return count
  }

  // To be sent once more, on another connection: possible where all of it is still here.
  private func rewind(to offset: Int64, _ origin: Int32) -> Int32 {
    if offset == sent, origin == SEEK_SET { return CURL_SEEKFUNC_OK }
    guard origin == SEEK_SET, Int64(body.count) == size, offset <= size else { return CURL_SEEKFUNC_CANTSEEK }
    bodyStart = Int(offset)
    sent = offset
    return CURL_SEEKFUNC_OK
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }
}
