package mllibpy.kernel

/** Numbers from 0 up, `width` bytes each, the lowest byte first. */
final class PackedInts(val width: Int, val bytes: Array[Byte]) extends Serializable {
  def read(at: Int, n: Int, out: Array[Int]): Unit = {
    var p = at * width
    var i = 0
    width match {
      case 1 => while (i < n) { out(i) = bytes(p) & 0xff; p += 1; i += 1 }
      case 2 =>
        while (i < n) { out(i) = (bytes(p) & 0xff) | (bytes(p + 1) & 0xff) << 8; p += 2; i += 1 }
      case 3 =>
        while (i < n) {
          out(i) = (bytes(p) & 0xff) | (bytes(p + 1) & 0xff) << 8 | (bytes(p + 2) & 0xff) << 16
          p += 3
          i += 1
        }
      case _ =>
        while (i < n) {
          out(i) = (bytes(p) & 0xff) | (bytes(p + 1) & 0xff) << 8 |
            (bytes(p + 2) & 0xff) << 16 | bytes(p + 3) << 24
          p += 4
          i += 1
        }
    }
  }
}

object PackedInts {

  /** The first `n` of `numbers`. */
  def of(numbers: Array[Int], n: Int): PackedInts = {
    var most = 0
    var i = 0
    while (i < n) { most = Math.max(most, numbers(i)); i += 1 }
    val width = Math.max(1, (32 - Integer.numberOfLeadingZeros(most) + 7) / 8)
    val bytes = new Array[Byte](Math.multiplyExact(n, width))
    var p = 0
    i = 0
    while (i < n) {
      var v = numbers(i)
      val end = p + width
      while (p < end) { bytes(p) = v.toByte; v >>>= 8; p += 1 }
      i += 1
    }
    new PackedInts(width, bytes)
  }
}

/** Floats, or one-byte codes into a dictionary of the distinct ones. */
final class PackedFloats(
    val dictionary: Array[Float],
    val codes: Array[Byte],
    val floats: Array[Float]
) extends Serializable {
  def read(at: Int, n: Int, out: Array[Float]): Unit =
    if (codes == null) System.arraycopy(floats, at, out, 0, n)
    else {
      var i = 0
      while (i < n) { out(i) = dictionary(codes(at + i) & 0xff); i += 1 }
    }

  def size: Int = if (codes == null) floats.length else codes.length

  /** The values at `places`, in that order. */
  def pick(places: Array[Int]): PackedFloats =
    if (codes == null) new PackedFloats(null, null, places.map(floats(_)))
    else new PackedFloats(dictionary, places.map(codes(_)), null)

  /** How many of the first `n` are above 0. */
  def above0(n: Int): Int = {
    var count = 0
    var i = 0
    while (i < n) {
      if ((if (codes == null) floats(i) else dictionary(codes(i) & 0xff)) > 0) count += 1
      i += 1
    }
    count
  }

  def bytes: Long = if (codes == null) 4L * floats.length else codes.length + 4L * dictionary.length
}

object PackedFloats {
  private final val Slots = 1024 // four for each of 256 values

  /** The first `n` of `values`, told apart by their bits. */
  def of(values: Array[Float], n: Int): PackedFloats = {
    val codes = new Array[Byte](n)
    val dictionary = new Dictionary
    var i = 0
    while (i < n && dictionary.size <= 256) {
      codes(i) = dictionary.code(values(i)).toByte
      i += 1
    }
    if (dictionary.size <= 256) new PackedFloats(dictionary.values, codes, null)
    else new PackedFloats(null, null, java.util.Arrays.copyOf(values, n))
  }

  /** One run of values out of several, each with a dictionary of its own. What it gives depends on
    * the values alone, not on the parts that they came in.
    */
  final class Joiner(parts: Seq[PackedFloats], size: Int) {
    // In ascending order; null where there are too many values for one byte.
    private val dictionary: Array[Float] =
      if (parts.exists(_.codes == null)) null
      else {
        val bits = parts.flatMap(_.dictionary).map(java.lang.Float.floatToRawIntBits).distinct
        if (bits.length > 256) null
        else
          bits.toArray
            .map(java.lang.Float.intBitsToFloat)
            .sortWith(java.lang.Float.compare(_, _) < 0)
      }
    private val codes = if (dictionary == null) null else new Array[Byte](size)
    private val floats = if (dictionary == null) new Array[Float](size) else null

    // For each part, its codes' places in the dictionary.
    private val code: Array[Array[Byte]] =
      if (dictionary == null) null
      else {
        val place = dictionary.map(java.lang.Float.floatToRawIntBits).zipWithIndex.toMap
        parts
          .map(_.dictionary.map(v => place(java.lang.Float.floatToRawIntBits(v)).toByte))
          .toArray
      }

    private val of = parts.toArray

    /** Copies `n` values of a part, from its `from`, to `to`. */
    def copy(part: Int, from: Int, to: Int, n: Int): Unit = {
      val p = of(part)
      var i = 0
      if (codes == null && p.codes == null) System.arraycopy(p.floats, from, floats, to, n)
      else if (codes == null)
        while (i < n) { floats(to + i) = p.dictionary(p.codes(from + i) & 0xff); i += 1 }
      else
        while (i < n) { codes(to + i) = code(part)(p.codes(from + i) & 0xff); i += 1 }
    }

    def result: PackedFloats = new PackedFloats(dictionary, codes, floats)
  }

  /** Open addressing by the bits of a value. */
  private final class Dictionary {
    private val bits = new Array[Int](Slots)
    private val code = Array.fill(Slots)(-1)
    private val found = new Array[Float](257)
    var size = 0

    def values: Array[Float] = java.util.Arrays.copyOf(found, size)

    def code(value: Float): Int = {
      val b = java.lang.Float.floatToRawIntBits(value)
      var slot = (b * 0x9e3779b9) >>> 22
      while (code(slot) >= 0 && bits(slot) != b) slot = (slot + 1) & (Slots - 1)
      if (code(slot) < 0) {
        bits(slot) = b
        code(slot) = size
        found(size) = value
        size += 1
      }
      code(slot)
    }
  }
}
