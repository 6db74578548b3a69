package mllibpy.api

/** The common line, read straight from its bytes: plain numbers between separators, no quotes.
  * Where a line is anything else, `split` or a number says so, and the caller takes the long way
  * through texts.
  */
private[api] final class AsciiFields(separator: String) {
  private val mark = separator.getBytes(java.nio.charset.StandardCharsets.US_ASCII)
  private val start = new Array[Int](AsciiFields.Most)
  private val end = new Array[Int](AsciiFields.Most)
  private var count = 0
  private var ok = true

  /** Whether every number asked for since `split` was plain. */
  def plain: Boolean = ok

  def split(bytes: Array[Byte], length: Int): Unit = {
    count = 0
    ok = true
    var from = 0
    var at = 0
    while (at < length && count < AsciiFields.Most) {
      if (bytes(at) == '"') ok = false
      if (isMark(bytes, at, length)) {
        field(from, at)
        at += mark.length
        from = at
      } else at += 1
    }
    if (count < AsciiFields.Most) field(from, length)
  }

  private def isMark(bytes: Array[Byte], at: Int, length: Int): Boolean =
    bytes(at) == mark(0) && (mark.length == 1 || (at + 1 < length && bytes(at + 1) == mark(1)))

  private def field(from: Int, until: Int): Unit = {
    start(count) = from
    end(count) = until
    count += 1
  }

  /** Field `i` as an integer of up to 18 digits. */
  def long(bytes: Array[Byte], i: Int): Long = {
    var at = if (i < count) start(i) else 0
    val until = if (i < count) end(i) else 0
    val negative = at < until && bytes(at) == '-'
    if (negative) at += 1
    ok = ok && until > at && until - at <= 18
    var value = 0L
    while (ok && at < until) {
      val digit = bytes(at) - '0'
      if (digit < 0 || digit > 9) ok = false
      value = value * 10 + digit
      at += 1
    }
    if (negative) -value else value
  }

  /** Field `i` as a decimal of up to 15 digits without an exponent: exact in float64, then rounded.
    */
  def float(bytes: Array[Byte], i: Int): Float = {
    var at = if (i < count) start(i) else 0
    val until = if (i < count) end(i) else 0
    val negative = at < until && bytes(at) == '-'
    if (negative) at += 1
    ok = ok && until > at && until - at <= 16
    var value = 0L
    var scale = -1
    var digits = 0
    while (ok && at < until) {
      val c = bytes(at)
      if (c == '.' && scale < 0) scale = 0
      else if (c >= '0' && c <= '9') {
        value = value * 10 + (c - '0')
        digits += 1
        if (scale >= 0) scale += 1
      } else ok = false
      at += 1
    }
    ok = ok && digits > 0
    val size = if (ok && scale > 0) value / AsciiFields.Powers(scale) else value.toDouble
    (if (negative) -size else size).toFloat
  }
}

private[api] object AsciiFields {
  // Fields beyond are not looked at; a ratings file has four.
  final val Most = 8
  private val Powers = Array.tabulate(17)(i => Math.pow(10, i.toDouble))
}
