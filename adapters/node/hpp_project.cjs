// Which files belong to the project.
'use strict';

// Folders below a root whose files do not belong to the project.
const OUTSIDE = new Set(['node_modules', 'site-packages', 'dist-packages', 'gems', 'bundle']);

const projectOf = (roots) => {
  const folders = roots.map((root) => (root.endsWith('/') ? root : root + '/'));
  return (file) => folders.some((folder) =>
    file.startsWith(folder) && !file.slice(folder.length).split('/').some((part) => OUTSIDE.has(part)));
};

module.exports = { projectOf };
