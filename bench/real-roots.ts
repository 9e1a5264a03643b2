/** Packages of all sizes and ages on the npm registry, from one file to thousands, with few and with many dependencies. */
export const ROOTS: readonly string[] = [
  "is-number",
  "left-pad",
  "ms",
  "once",
  "wrappy",
  "inherits",
  "isarray",
  "escape-html",
  "ee-first",
  "object-assign",
  "lodash",
  "underscore",
  "ramda",
  "moment",
  "dayjs",
  "luxon",
  "date-fns",
  "rxjs",
  "immutable",
  "immer",
  "react",
  "react-dom",
  "vue",
  "preact",
  "svelte",
  "solid-js",
  "lit",
  "jquery",
  "backbone",
  "alpinejs",
  "express",
  "koa",
  "fastify",
  "hono",
  "h3",
  "connect",
  "body-parser",
  "cookie-parser",
  "cors",
  "helmet",
  "axios",
  "got",
  "node-fetch",
  "undici",
  "superagent",
  "request",
  "ws",
  "socket.io",
  "socket.io-client",
  "mqtt",
  "typescript",
  "esbuild",
  "rollup",
  "webpack",
  "vite",
  "terser",
  "uglify-js",
  "acorn",
  "esprima",
  "espree",
  "eslint",
  "prettier",
  "mocha",
  "chai",
  "sinon",
  "jasmine",
  "ava",
  "tap",
  "vitest",
  "jest",
  "commander",
  "yargs",
  "minimist",
  "chalk",
  "kleur",
  "ora",
  "inquirer",
  "enquirer",
  "prompts",
  "cac",
  "semver",
  "glob",
  "minimatch",
  "rimraf",
  "mkdirp",
  "fs-extra",
  "chokidar",
  "execa",
  "cross-spawn",
  "which",
  "uuid",
  "nanoid",
  "debug",
  "winston",
  "pino",
  "dotenv",
  "joi",
  "zod",
  "ajv",
  "yup",
  "mongoose",
  "knex",
  "pg",
  "mysql2",
  "redis",
  "ioredis",
  "sequelize",
  "graphql",
  "apollo-server",
  "handlebars",
  "pug",
  "ejs",
  "mustache",
  "marked",
  "markdown-it",
  "highlight.js",
  "cheerio",
  "jsdom",
  "sanitize-html",
  "dompurify",
  "d3",
  "three",
  "chart.js",
  "leaflet",
  "async",
  "bluebird",
  "q",
  "through2",
  "readable-stream",
  "tar",
];

/** More that need little, where a set must have several hundred packages with one version per name. */
export const LIGHT_ROOTS: readonly string[] = `
escape-string-regexp ansi-styles strip-ansi string-width wrap-ansi camelcase decamelize slash has-flag
supports-color p-limit p-map p-queue p-retry p-locate locate-path find-up pkg-dir read-pkg globby fast-glob
micromatch picomatch braces fill-range to-regex-range is-glob is-extglob fastq reusify merge2 run-parallel
queue-microtask ignore path-type dir-glob array-union slugify change-case title-case lodash.merge
lodash.debounce deepmerge fast-deep-equal fast-json-stable-stringify json-stable-stringify json5 js-yaml toml
ini csv-parse csv-stringify papaparse xml2js fast-xml-parser sax bn.js elliptic hash.js inflight lru-cache
yallist quick-lru keyv mime mime-types mime-db negotiator accepts content-type content-disposition cookie etag
fresh range-parser parseurl on-finished finalhandler send serve-static vary type-is bytes http-errors statuses
toidentifier setprototypeof depd raw-body iconv-lite safer-buffer unpipe qs side-channel call-bind
get-intrinsic has-symbols function-bind hasown object-inspect define-properties object-keys
regexp.prototype.flags string.prototype.trim array-includes es-abstract core-js regenerator-runtime tslib pako
jszip adm-zip archiver unzipper yauzl yazl tar-stream bl end-of-stream pump duplexify concat-stream split2
ndjson level leveldown sql.js better-sqlite3 lowdb nedb-promises pouchdb fuse.js lunr flexsearch natural
compromise numeral accounting big.js bignumber.js decimal.js mathjs fraction.js complex.js seedrandom chance
faker casual validator is-email ip-regex ipaddr.js url-parse query-string normalize-url tough-cookie punycode
whatwg-url webidl-conversions tr46 form-data combined-stream delayed-stream asynckit follow-redirects
proxy-from-env agent-base https-proxy-agent http-proxy-agent eventemitter3 mitt nanoevents emittery
tiny-invariant invariant warning prop-types classnames clsx history react-router zustand jotai redux
redux-thunk reselect mobx xstate three-mesh-bvh gl-matrix pixi.js konva fabric paper phaser howler tone katex
mermaid codemirror ace-builds quill slate showdown turndown remarkable xss color color-convert color-name
chroma-js tinycolor2 polished normalize.css bootstrap bulma tachyons foundation-sites font-awesome
material-icons swiper flickity isotope-layout masonry-layout sortablejs dropzone cropperjs plyr video.js
hls.js dashjs moment-timezone spacetime later cron-parser node-cron bull agenda rate-limiter-flexible
bottleneck
`
  .trim()
  .split(/\s+/);
