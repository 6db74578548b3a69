package mllibpy.kernel

/** A bijection of the 64-bit integers that looks random, and its inverse.
  *
  * Ids are scrambled once, where data enters; from then on a scrambled id is called a ''key''. Keys
  * in unsigned order are the one canonical order of rows, entries, buckets and blocks: the leading
  * bits of a key choose its bucket, so blocks are ranges of keys, evenly filled whatever the ids
  * look like, and nothing depends on how the input was partitioned.
  *
  * The mixing function is SplitMix64's finaliser (Steele, Lea, Flood: Fast splittable pseudorandom
  * number generators, OOPSLA 2014); each of its three steps can be undone.
  */
object Scramble {
  private final val A = 0xbf58476d1ce4e5b9L
  private final val B = 0x94d049bb133111ebL
  // Inverses of A and B modulo 2^64.
  private final val InverseA = 0x96de1b173f119089L
  private final val InverseB = 0x319642b2d24d8ec3L

  def mix(id: Long): Long = {
    val x = (id ^ (id >>> 30)) * A
    val y = (x ^ (x >>> 27)) * B
    y ^ (y >>> 31)
  }

  def unmix(key: Long): Long = {
    val y = (key ^ (key >>> 31) ^ (key >>> 62)) * InverseB
    val x = (y ^ (y >>> 27) ^ (y >>> 54)) * InverseA
    x ^ (x >>> 30) ^ (x >>> 60)
  }

  /** A key for a text: FNV-1a over its UTF-8 bytes, mixed. Two texts can share a key; whoever keeps
    * the names checks that (`TextIds`).
    */
  def text(utf8: Array[Byte], from: Int, until: Int): Long = {
    var h = 0xcbf29ce484222325L
    var i = from
    while (i < until) {
      h = (h ^ (utf8(i) & 0xff)) * 0x100000001b3L
      i += 1
    }
    mix(h)
  }
}
