package mllibpy.kernel

/** Starting factors that belong to the id, not to the partition: each row is drawn from (seed,
  * side, key) alone, so it is the same wherever and in whatever order rows are made.
  */
object InitialFactors {

  /** Vectors of `rank` roughly normal draws (non-negative where asked) of length `scale` (MLlib's
    * is 1), one per key.
    *
    * @param width
    *   columns to a row; those beyond the rank are zero, and so is the padding
    */
  def rows(
      keys: Array[Long],
      rank: Int,
      seed: Long,
      side: Int,
      nonnegative: Boolean,
      scale: Double = 1,
      width: Int = 0
  ): Array[Float] = {
    val stride = Stride.of(Math.max(rank, width))
    val out = new Array[Float](Math.multiplyExact(keys.length, stride))
    var r = 0
    while (r < keys.length) {
      fill(out, r * stride, rank, keys(r), Scramble.mix(seed * 2 + side), nonnegative, scale)
      r += 1
    }
    out
  }

  private def fill(
      out: Array[Float],
      at: Int,
      rank: Int,
      key: Long,
      salt: Long,
      nonnegative: Boolean,
      length: Double
  ): Unit = {
    var squares = 0.0
    var state = Scramble.mix(key ^ salt)
    var j = 0
    while (j < rank) {
      state += 0x9e3779b97f4a7c15L
      val draw = bell(Scramble.mix(state))
      val x = if (nonnegative) Math.abs(draw) else draw
      out(at + j) = x.toFloat
      squares += x * x
      j += 1
    }
    val scale = if (squares > 0) length / Math.sqrt(squares) else 0.0
    j = 0
    while (j < rank) { out(at + j) = (out(at + j) * scale).toFloat; j += 1 }
  }

  /** The sum of four uniform 16-bit numbers, centred: near enough to a normal draw for a start, and
    * bit for bit the same on every machine.
    */
  private def bell(bits: Long): Double = {
    val sum = (bits & 0xffff) + ((bits >>> 16) & 0xffff) + ((bits >>> 32) & 0xffff) + (bits >>> 48)
    sum.toDouble - 2.0 * 0xffff
  }
}
