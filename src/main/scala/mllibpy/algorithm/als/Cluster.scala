package mllibpy.algorithm.als

import org.apache.spark.SparkContext

/** The facts of the cluster that a context runs on. */
object Cluster {
  def facts(sc: SparkContext): ClusterFacts = {
    val conf = sc.getConf
    // The driver counts among the block managers; in local mode it is the only one.
    val executors = Math.max(1, sc.getExecutorMemoryStatus.size - 1)
    val cores = Math.max(1, sc.defaultParallelism / executors)
    val share = conf.getDouble("spark.memory.fraction", 0.6)
    val driver = (Runtime.getRuntime.maxMemory * share).toLong
    val memory =
      if (sc.isLocal) driver
      else (conf.getSizeAsBytes("spark.executor.memory", "1g") * share).toLong
    ClusterFacts(executors, cores, memory, driver, sc.isLocal)
  }
}
