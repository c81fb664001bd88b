/// <reference types="vitest/config" />
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'

const OUT = process.env['HEDDLE_CANVAS_OUT'] ?? 'dist'

/** One file to load: the styles travel inside the entry chunk. */
function stylesInside(): Plugin {
  return {
    name: 'styles-inside',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      let css = ''
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type !== 'asset' || !name.endsWith('.css')) continue
        css += String(file.source)
        delete bundle[name]
      }
      const entry = Object.values(bundle).find((file) => file.type === 'chunk' && file.isEntry)
      if (entry?.type !== 'chunk' || css === '') return
      const style = `const s=document.createElement("style");s.dataset.heddle="canvas";s.textContent=${JSON.stringify(css)};document.head.append(s);`
      entry.code = `{${style}}${entry.code}`
    },
  }
}

interface Package {
  version: string
  license?: string
  dependencies?: Record<string, string>
}

/** Dependencies that never reach the bundle: NiceGUI's own Vue, and a command line of Vega-Lite. */
const ELSEWHERE = new Set(['vue', 'yargs'])

/** The licences of what is bundled travel with it, as they ask. */
function notices(): Plugin {
  return {
    name: 'notices',
    apply: 'build',
    generateBundle() {
      const found = new Map<string, string>()
      const visit = (name: string, within: string): void => {
        const nested = join(within, 'node_modules', name)
        const path = existsSync(nested) ? nested : join('node_modules', name)
        // Vue itself is NiceGUI's; libraries carry their own dependencies inside them.
        if (ELSEWHERE.has(name) || found.has(name)) return
        const about = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Package
        const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry))
        const text = file ? readFileSync(join(path, file), 'utf8').trim() : about.license
        found.set(name, `${name} ${about.version}\n\n${text}\n`)
        Object.keys(about.dependencies ?? {}).forEach((other) => visit(other, path))
      }
      const own = JSON.parse(readFileSync('package.json', 'utf8')) as Package
      Object.keys(own.dependencies ?? {}).forEach((other) => visit(other, '.'))
      const parts = [...found.keys()].sort().map((name) => found.get(name))
      this.emitFile({ type: 'asset', fileName: 'NOTICES.txt', source: parts.join('\n---\n\n') })
    },
  }
}

/**
 * NiceGUI serves the bundle as immutable under a key that follows the directory's name and time,
 * so a new content must have a new directory.
 */
function hashedDirectory(): Plugin {
  return {
    name: 'hashed-directory',
    apply: 'build',
    closeBundle() {
      const files = readdirSync(OUT, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort()
      if (files.length === 0) return
      const hash = createHash('sha256')
      for (const file of files) hash.update(file).update(readFileSync(join(OUT, file)))
      const directory = join(OUT, hash.digest('hex').slice(0, 12))
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(directory)
      for (const file of files) renameSync(join(OUT, file), join(directory, file))
    },
  }
}

export default defineConfig({
  plugins: [vue(), stylesInside(), notices(), hashedDirectory()],
  // Vega-Lite takes four small functions from the whole of Vega, which would double the plot's chunk.
  resolve: { alias: [{ find: /^vega$/, replacement: 'vega-util' }] },
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    target: 'es2022',
    outDir: OUT,
    emptyOutDir: true,
    minify: true,
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: () => 'index.js' },
    rolldownOptions: {
      // NiceGUI's import map holds Vue; a second copy would not share its reactivity.
      external: ['vue'],
      output: { chunkFileNames: '[name].js', minify: true },
    },
  },
  // A file that needs a browser says so: `// @vitest-environment happy-dom`.
  test: { environment: 'node', include: ['src/**/*.test.ts'], isolate: false },
})
