package mllibpy.engine

/** Estimates how many distinct keys there are, to a few parts in a hundred, in 4 KB (Flajolet,
  * Fusy, Gandouet, Meunier: HyperLogLog: the analysis of a near-optimal cardinality estimation
  * algorithm, 2007). Keys are scrambled already. Neither their order nor how often they come
  * matters.
  */
final class Distinct extends Serializable {
  // For each run of leading bits, the most trailing zeros of a key, and one.
  private val most = new Array[Byte](Distinct.Registers)

  def add(key: Long): Unit = {
    val at = (key >>> Distinct.Shift).toInt
    val zeros = java.lang.Long.numberOfTrailingZeros(key | Distinct.Last) + 1
    if (zeros > most(at)) most(at) = zeros.toByte
  }

  def merge(o: Distinct): Distinct = {
    for (i <- most.indices) if (o.most(i) > most(i)) most(i) = o.most(i)
    this
  }

  def estimate: Long = {
    val m = Distinct.Registers.toDouble
    val raw = 0.7213 / (1 + 1.079 / m) * m * m / most.map(z => Math.pow(2, -z.toDouble)).sum
    val empty = most.count(_ == 0)
    Math.round(if (raw <= 2.5 * m && empty > 0) m * Math.log(m / empty) else raw)
  }
}

private object Distinct {
  final val Registers = 4096
  final val Shift = 64 - 12
  // No more zeros than the bits below the leading ones.
  final val Last = 1L << Shift
}
