package mllibpy.kernel

/** Independent normal draws from a seed: SplitMix64 and Marsaglia's polar method (1964), by
  * operations that give the same bits on every machine.
  */
final class Normals(seed: Long) {
  private var state = Scramble.mix(seed)
  private var spare = Double.NaN

  private def uniform(): Double = {
    state += 0x9e3779b97f4a7c15L
    (Scramble.mix(state) >>> 11) * Normals.Unit53
  }

  def next(): Double =
    if (!spare.isNaN) {
      val out = spare
      spare = Double.NaN
      out
    } else {
      var u = 0.0
      var v = 0.0
      var s = 0.0
      while (s >= 1 || s == 0) {
        u = 2 * uniform() - 1
        v = 2 * uniform() - 1
        s = u * u + v * v
      }
      val scale = Math.sqrt(-2 * StrictMath.log(s) / s)
      spare = v * scale
      u * scale
    }
}

object Normals {
  private final val Unit53 = 1.0 / (1L << 53)
}
